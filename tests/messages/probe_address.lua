-- exit: 3
experiment("a", function(x)
    x:steady_state("s", function(probe) probe:tcp("db", "localhost") end)
end)
