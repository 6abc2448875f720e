-- exit: 3
-- stderr: gameday: the name is the first argument, got a function; write gameday("name", function(g) … end)
gameday(function() end)
