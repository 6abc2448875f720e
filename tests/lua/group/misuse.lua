-- exit: 3
-- stderr: group: expected a function as the second argument, got a string; write group("checkout", function() … end)
group("checkout", "pay")
