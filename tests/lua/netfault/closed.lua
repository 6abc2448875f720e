-- exit: 4
-- stderr: closed.lua:5: proxy:down: the proxy is closed
local web = netfault.proxy { upstream = "127.0.0.1:1" }
web:close()
inject(web:down {})
