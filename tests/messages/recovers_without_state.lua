-- exit: 3
experiment("a", function(x)
    x:recovers { within = "1s" }
end)
