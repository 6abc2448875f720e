-- exit: 3
check = function() end
