-- exit: 3
-- stderr: misuse-upstream.lua:3: netfault.proxy: option `upstream`: address localhost: missing port in address; write "127.0.0.1:5432"
netfault.proxy { upstream = "localhost" }
