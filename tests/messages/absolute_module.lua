-- exit: 3
local secrets = require("/etc/hostname")
