-- A fault without a target is a precondition that names what was sought.
-- exit: 4
-- stderr: no process matches name "no-such-program"
inject(process.find { name = "no-such-program" }:pause())
