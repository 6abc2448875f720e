-- exit: 3
error("red \27[31m bell \7 end")
