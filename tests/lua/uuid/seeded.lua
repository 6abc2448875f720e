-- flags: --seed 7
local one, two = uuid(), uuid()
expect(string.match(one, "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-4%x%x%x%-[89ab]%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$"), one)
expect(one ~= two, "each is another")
