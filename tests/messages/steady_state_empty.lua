-- exit: 3
experiment("a", function(x)
    x:steady_state("orders flow", function() end)
end)
