-- exit: 3
-- stderr: script-error.lua:5
-- An error of the script ends the run.
experiment("broken", function(x)
    local nothing = x.nothing.there
end)
experiment("second", function() print("it went on") end)
