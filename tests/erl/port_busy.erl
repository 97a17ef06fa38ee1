%% Busy ports: who writes more than is taken is suspended, refused, or goes on, as asked.
-module(port_busy).
-export([main/0]).
-include("show.hrl").

main() ->
    process_flag(trap_exit, true),
    suspended_command(),
    suspended_send(),
    refused(),
    limits(),
    dying().

%% A program that reads only when it is told to.
lazy(Options) -> open_port({spawn, "sh -c 'while ! [ -e /proc/self/fd/9 ]; do sleep 0.3; exec 9>/dev/null; done; cat > /dev/null; echo done'"}, Options).

block() -> binary:copy(<<"x">>, 100000).

fill(Port) ->
    case port_command(Port, block(), [nosuspend]) of
        true -> fill(Port);
        false -> full
    end.

suspended_command() ->
    Port = lazy([]),
    Self = self(),
    ?SHOW(fill(Port)),
    Pid = spawn(fun() -> Result = port_command(Port, "more"), Self ! {self(), Result} end),
    receive after 50 -> ok end,
    ?SHOW(receive {Pid, _} -> early after 0 -> waits end),
    ?SHOW(receive {Pid, Result} -> Result after 10000 -> timeout end),
    port_close(Port),
    ?SHOW(receive {'EXIT', Port, Reason} -> Reason end).

suspended_send() ->
    Port = lazy([]),
    Self = self(),
    fill(Port),
    Pid = spawn(fun() ->
                        Message = {Self, {command, "more"}},
                        Sent = Port ! Message,
                        Self ! {self(), Sent =:= Message},
                        Self ! {self(), erlang:send(Port, Message) =:= Message}
                end),
    receive after 50 -> ok end,
    ?SHOW(receive {Pid, _} -> early after 0 -> waits end),
    ?SHOW(receive {Pid, First} -> First after 10000 -> timeout end),
    ?SHOW(receive {Pid, Second} -> Second after 10000 -> timeout end),
    ?SHOW(element(2, erlang:port_info(Port, output)) rem 100000),
    port_close(Port),
    ?SHOW(receive {'EXIT', Port, Reason} -> Reason end).

refused() ->
    Port = lazy([]),
    fill(Port),
    ?SHOW(port_command(Port, "x", [nosuspend])),
    ?SHOW(erlang:port_info(Port, locking)),
    ?SHOW(element(2, erlang:port_info(Port, queue_size)) > 0),
    port_close(Port),
    ?SHOW(receive {'EXIT', Port, Reason} -> Reason end).

%% Closed with output left: all of it arrives.
limits() ->
    File = "/tmp/port_busy." ++ os:getpid(),
    Port = open_port({spawn, "sh -c 'sleep 0.2; cat > " ++ File ++ "; mv " ++ File ++ " " ++ File ++ ".done'"},
                     [{busy_limits_port, {1000000, 2000000}}]),
    Size = 1500000,
    ?SHOW(port_command(Port, binary:copy(<<"y">>, Size), [nosuspend])),
    ?SHOW(port_close(Port)),
    ?SHOW(receive {'EXIT', Port, Reason} -> Reason end),
    Count = open_port({spawn, "sh -c 'until [ -e " ++ File ++ ".done ]; do sleep 0.1; done; wc -c < "
                       ++ File ++ ".done; rm " ++ File ++ ".done'"}, [{line, 100}]),
    ?SHOW(receive {Count, {data, Line}} -> Line after 10000 -> timeout end),
    receive {'EXIT', Count, normal} -> ok end.

%% Who waits for a port that ends does not wait for ever.
dying() ->
    Self = self(),
    Port = lazy([]),
    fill(Port),
    {Pid, Ref} = spawn_monitor(fun() -> Port ! {Self, {command, "x"}}, exit(went_on) end),
    receive after 50 -> ok end,
    exit(Port, because),
    ?SHOW(receive {'EXIT', Port, Reason} -> Reason end),
    ?SHOW(receive {'DOWN', Ref, process, Pid, Why} -> Why after 5000 -> timeout end).
