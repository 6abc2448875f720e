-- Constructing touches nothing; the label says who is cut off from whom.
local function nodes(count)
    local all = {}
    for number = 1, count do table.insert(all, netfault.namespace("n" .. number)) end
    return all
end
local function label(fault) return (fault.label:gsub("namespace ", "")) end

expect(label(partitions.bridge(nodes(3))) == "partition n1 | n3", "three")
expect(label(partitions.bridge(nodes(5))) == "partition n1 and n2 | n4 and n5", "five")
expect(label(partitions.bridge(nodes(4))) == "partition n1 | n3 and n4", "four")
expect(label(partitions.majority_ring(nodes(4))) == "partition n1 | n3, n2 | n4", "ring of four")
expect(label(partitions.majority_ring(nodes(5))) == "partition n1 | n3, n1 | n4, n2 | n4, n2 | n5, n3 | n5", "ring of five")

for count = 4, 12 do
    local reached = {}
    for number = 1, count do reached[number] = count end
    for one, other in partitions.majority_ring(nodes(count)).label:gmatch("n(%d+) | namespace n(%d+)") do
        reached[tonumber(one)] -= 1
        reached[tonumber(other)] -= 1
    end
    for number = 1, count do expect(reached[number] > count / 2 and reached[number] < count, `{number} of {count}`) end
end

local ok, problem = pcall(partitions.bridge, nodes(2))
expect(not ok and tostring(problem):find("partitions.bridge: it takes 3 targets at least, got 2", 1, true), tostring(problem))
