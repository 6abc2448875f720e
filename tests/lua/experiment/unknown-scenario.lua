-- exit: 3
-- stderr: x:load: no scenario is called "brwse"; did you mean "browse"?
scenario("browse", { vus = 1, duration = "1s" }, function() sleep("10ms") end)
experiment("a", function(x) x:load("brwse") end)
