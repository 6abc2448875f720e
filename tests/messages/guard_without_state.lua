-- exit: 3
experiment("a", function(x)
    x:guard { every = "1s" }
end)
