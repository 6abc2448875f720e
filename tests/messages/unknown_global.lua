-- exit: 3
local response = htpp.get("http://127.0.0.1:9/")
