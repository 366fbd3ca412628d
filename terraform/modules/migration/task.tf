locals {
  rules = concat(
    [{ table = "%", action = "include" }],
    # The heartbeat writes its own table into the source.
    [for table in sort(concat(["awsdms_%"], tolist(var.excluded_tables))) : { table = table, action = "exclude" }],
  )

  table_mappings = {
    rules = [for position, rule in local.rules : {
      rule-type      = "selection"
      rule-id        = tostring(position + 1)
      rule-name      = tostring(position + 1)
      object-locator = { schema-name = "public", table-name = rule.table }
      rule-action    = rule.action
    }]
  }

  # The schema is migrate's: DMS brings rows alone. Whole values, since a JSON cut short is none. Every row is compared.
  task_settings = {
    TargetMetadata     = { SupportLobs = true, FullLobMode = true, LobChunkSize = 64, InlineLobMaxSize = 32 }
    FullLoadSettings   = { TargetTablePrepMode = "DO_NOTHING", StopTaskCachedChangesApplied = false }
    ValidationSettings = { EnableValidation = true, ThreadCount = 5 }
    ErrorBehavior = {
      DataErrorPolicy           = "STOP_TASK"
      DataTruncationErrorPolicy = "STOP_TASK"
      TableErrorPolicy          = "STOP_TASK"
      ApplyErrorInsertPolicy    = "STOP_TASK"
      ApplyErrorUpdatePolicy    = "STOP_TASK"
      ApplyErrorDeletePolicy    = "STOP_TASK"
      FullLoadIgnoreConflicts   = false
    }
    # DMS logs rows that it cannot apply, which here are patients' data; its counters and events say that it stopped.
    Logging = { EnableLogging = false }
  }
}

# It does not start by itself: the README's order does.
resource "aws_dms_replication_task" "this" {
  replication_task_id       = local.identifier
  migration_type            = "full-load-and-cdc"
  replication_instance_arn  = aws_dms_replication_instance.this.replication_instance_arn
  source_endpoint_arn       = aws_dms_endpoint.source.endpoint_arn
  target_endpoint_arn       = aws_dms_endpoint.target.endpoint_arn
  table_mappings            = jsonencode(local.table_mappings)
  replication_task_settings = jsonencode(local.task_settings)
  start_replication_task    = false
}
