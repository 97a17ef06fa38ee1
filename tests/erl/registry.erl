%% Registered names.
-module(registry).
-export([main/0]).
-include("show.hrl").

main() ->
    Pid = spawn(fun loop/0),
    ?SHOW(whereis(server)),
    ?SHOW(register(server, Pid)),
    ?SHOW(whereis(server) =:= Pid),
    ?SHOW(lists:member(server, registered())),
    ?SHOW(process_info(Pid, registered_name)),
    ?SHOW(call(server, hello)),
    ?SHOW(call({server, node()}, again)),
    ?TRY(register(server, self())),
    ?TRY(register(other_name, Pid)),
    ?TRY(register(id(undefined), self())),
    ?TRY(register(id("string"), self())),
    ?TRY(register(name, id(not_a_pid))),
    ?TRY(whereis(id("string"))),
    ?SHOW(unregister(server)),
    ?TRY(unregister(server)),
    ?TRY(server ! message),
    ?SHOW({server, node()} ! message),
    ?SHOW(register(second, Pid)),
    ?SHOW(call(second, renamed)),
    Ref = monitor(process, Pid),
    exit(Pid, kill),
    receive {'DOWN', Ref, process, Pid, killed} -> ok end,
    ?SHOW(whereis(second)),
    ?SHOW(process_info(Pid)),
    ?TRY(register(dead, Pid)),
    ?SHOW(process_info(self(), registered_name)),
    ?SHOW(register(me, self())),
    ?SHOW(process_info(self(), registered_name)),
    me ! to_myself,
    ?SHOW(receive to_myself -> got end),
    ?SHOW(erlang:send(me, sent)),
    ?SHOW(erlang:send(me, sent_too, [noconnect])),
    ?SHOW([receive X -> X end || _ <- [1, 2]]),
    ?SHOW(unregister(me)),
    Names = [list_to_atom("worker_" ++ integer_to_list(I)) || I <- lists:seq(1, 100)],
    [register(N, spawn(fun loop/0)) || N <- Names],
    ?SHOW(lists:sum([call(N, 1) || N <- Names])),
    ?SHOW(length([N || N <- registered(), lists:member(N, Names)])),
    [N ! stop || N <- Names],
    wait_gone(Names),
    ?SHOW([N || N <- Names, whereis(N) =/= undefined]).

loop() ->
    receive
        {From, Message} -> From ! {reply, Message}, loop();
        stop -> ok
    end.

call(Name, Message) ->
    Name ! {self(), Message},
    receive {reply, R} -> R after 1000 -> timeout end.

wait_gone(Names) ->
    case [N || N <- Names, whereis(N) =/= undefined] of
        [] -> ok;
        _ -> erlang:yield(), wait_gone(Names)
    end.
