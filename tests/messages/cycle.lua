-- exit: 3
local a = require("./lib/cycle_a")
