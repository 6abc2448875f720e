-- flags: --yes
-- exit: 3
-- stderr: g:phase: phase "one" is not over yet
gameday("a", function(g)
    g:phase("one", function(p) p:phase("two", function() end) end)
end)
