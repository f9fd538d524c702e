"""Shipway's own ECS and ELBv2 control plane for one machine.

Unmodified AWS clients speak to it over HTTP; tasks are real containers behind a real load
balancer, or scripted ones on a virtual clock. It knows how ECS rolls out, checks health and rolls
back; it refuses to know who asks, and it never reaches past this machine.
"""
