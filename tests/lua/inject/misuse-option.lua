-- exit: 3
-- stderr: inject: unknown option `tll`; did you mean `ttl`?
inject(process.find { pid = 1 }:pause(), { tll = "1s" })
