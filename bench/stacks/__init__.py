"""The same work as Careway does, as other people write it: one file a stack, read side by side with the service's own."""
