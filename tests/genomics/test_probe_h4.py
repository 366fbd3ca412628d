from tests.genomics import factories as f
def test_a(api):
    r=f.signed_report(api)
    import json; print(json.dumps(r,indent=1))
    print(json.dumps(api.get(f"analyses/{r['analysis']}").json,indent=1))
    print(json.dumps(api.get(f"analyses/{r['analysis']}/variants").json,indent=1))
    print(json.dumps(api.get(f"analyses/{r['analysis']}/history").json,indent=1))
    print(api.get(f"analyses/{r['analysis']}/variants.vcf").content.decode())
    for u in ["samples","analyses/%s/vcf"%r['analysis'],"docs","openapi.json"]:
        a=api.call("OPTIONS",u); print(u,a.status,a.headers,a.content)
    a=api.call("GET","samples",Accept="image/png"); print(a.status,a.content)
    print(api.get("docs").status)
def test_routes():
    from django.urls import get_resolver
    def walk(r,p=""):
        for x in r.url_patterns:
            q=p+str(x.pattern)
            if hasattr(x,"url_patterns"): yield from walk(x,q)
            else: yield q,x.callback,x.name
    for a in walk(get_resolver()): print(a, getattr(a[1],'actions',None))
