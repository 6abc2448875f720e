-- exit: 3
local res = http.get("http://127.0.0.1/"
print(res)
