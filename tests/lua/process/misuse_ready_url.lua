-- A URL that cannot be asked.
-- exit: 3
-- stderr: process.spawn: ready: "https://x/" must begin with http://; for others use `port` or `log`
process.spawn { cmd = { "true" }, ready = { http = "https://x/" } }
