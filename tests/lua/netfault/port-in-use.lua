-- exit: 4
-- stderr: port-in-use.lua:4: netfault.proxy: listen tcp
local shop = demo.shop {}
netfault.proxy { listen = shop.address, upstream = "127.0.0.1:1" }
