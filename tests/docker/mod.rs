mod crash;
mod drift;
mod engine;
mod losses;
mod swarm;
mod throttle;
mod tls;
