-- exit: 3
-- stderr: a response has no field `stauts`; did you mean `status`?
local res = http.get("http://127.0.0.1:1/")
log(res.stauts)
