%% The heap of a process that hibernates: none to spare while it sleeps, its smallest size as soon as it wakes.
%% needs: OTP
-module(hibernation_heap).
-export([main/0, woken/1]).
-include("show.hrl").

main() ->
    ?SHOW(sizes(15000, [])),
    ?SHOW(sizes(233, [])),
    %% A message is there already: it does not sleep.
    ?SHOW(sizes(15000, [early])).

sizes(Least, Messages) ->
    Self = self(),
    Pid = spawn_opt(fun() -> receive go -> erlang:hibernate(?MODULE, woken, [Self]) end end, [{min_heap_size, Least}]),
    [Pid ! Message || Message <- Messages ++ [go]],
    Asleep = [begin wait_for(Pid), small(process_info(Pid, heap_size)) end || Messages =:= []],
    Pid ! wake,
    {Asleep, receive {Pid, {heap_size, Words}} -> Words >= Least end}.

small({heap_size, Words}) -> Words < 30.

woken(Parent) ->
    receive _ -> Parent ! {self(), process_info(self(), heap_size)} end.

wait_for(Pid) ->
    case process_info(Pid, current_function) of
        {_, {erlang, hibernate, 3}} -> ok;
        _ -> erlang:yield(), wait_for(Pid)
    end.
