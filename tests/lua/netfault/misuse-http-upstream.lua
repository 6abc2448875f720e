-- exit: 3
-- stderr: misuse-http-upstream.lua:3: netfault.http_proxy: option `upstream`: "ftp://a" is no upstream; write "http://127.0.0.1:8080"
netfault.http_proxy { upstream = "ftp://a" }
