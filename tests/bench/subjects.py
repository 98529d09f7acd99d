"""What a row measures side by side."""

from servers import Skipped


class Missing:
    """A peer that is not there: whatever is asked of it says why."""

    def __init__(self, why):
        self.__dict__["why"] = why

    def __getattr__(self, name):
        raise Skipped(self.why)


def started(stack, make, *arguments, **named):
    """Up as long as the stack is."""
    try:
        return stack.enter_context(make(*arguments, **named))
    except Skipped as why:
        return Missing(str(why))


def each(servers, measure, *names):
    """name -> function for a Row; names: which of the servers, all by default."""
    return {name: lambda name=name: measure(name, servers[name]) for name in names or servers}
