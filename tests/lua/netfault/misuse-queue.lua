-- exit: 3
-- stderr: netfault.bandwidth: option `queue`: at least "2KB", or no packet fits
netfault.bandwidth(netfault.host(), { rate = "1mbit", queue = "1KB" })
