"""What the rules are tried on: releases, and timelines of their series with what fires."""
