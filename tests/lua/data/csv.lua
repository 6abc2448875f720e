local users = data.csv("users.csv")
expect(#users == 2, "number of rows")
expect(users[1].user == "ann" and users[1].city == "Aa, chen", "a row")
expect(users[3] == nil and users[0] == nil and users[1.5] == nil, "no row")
local names = {}
for number, user in users do
    names[number] = user.user
end
expect(names[1] == "ann" and names[2] == "bob" and #names == 2, "in order")
local ok, problem = pcall(function()
    users[1].user = "eve"
end)
expect(not ok and string.find(problem, "readonly"), problem)
local picked = users:random().user
expect(picked == "ann" or picked == "bob", "random")

local other = data.csv("semicolon.csv", { separator = ";" })
expect(other[1].city == "Aachen", "separator")
local named = data.csv("users.csv", { columns = { "who", "where" }, header = true })
expect(#named == 2 and named[2].who == "bob", "columns")
local bare = data.csv("users.csv", { header = false })
expect(#bare == 3 and bare[1]["1"] == "user", "without a header")
