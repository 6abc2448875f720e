-- exit: 3
local cart = require("./lib/crat")
