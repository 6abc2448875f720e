-- exit: 3
-- stderr: check: the table is empty, so nothing would be checked
local res = {}
check(res, { ["has a body"] = res.body })
