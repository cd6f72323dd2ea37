"""An engine that waits for company, and works in two threads."""

from tests.engines.hostile import Echo, Obedient, Order
from torana.engines.engine import Capability

ENGINE = Capability(
    name="patient", input=Order, output=Echo, load=Obedient, batch=4, wait=0.05, threads=2
)
