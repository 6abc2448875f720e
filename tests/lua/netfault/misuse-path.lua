-- exit: 3
-- stderr: misuse-path.lua:4: http_proxy:abort: option `path`: "cart" can match no path; write "/cart" or "**/cart"
local web = netfault.http_proxy { upstream = "http://127.0.0.1:1" }
web:abort { status = 503, path = "cart" }
