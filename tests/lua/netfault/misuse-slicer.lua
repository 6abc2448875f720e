-- exit: 3
-- stderr: proxy:slicer: option `size_variation`: more than `average_size`: no piece is smaller than nothing
local p = netfault.proxy { upstream = "127.0.0.1:1" }
p:slicer { average_size = "10B", size_variation = "20B" }
