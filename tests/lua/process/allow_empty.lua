-- Nobody may match where that is allowed.
inject(process.find { name = "no-such-program", allow_empty = true }:pause())
