"""One module a stage; each is a function of the task's context that can be run again and says what comes next."""
