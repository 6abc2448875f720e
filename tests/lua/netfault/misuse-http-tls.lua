-- exit: 3
-- stderr: netfault.http_proxy: option `tls`: only an upstream at "https://…" speaks it
netfault.http_proxy { upstream = "http://127.0.0.1:1", tls = { insecure = true } }
