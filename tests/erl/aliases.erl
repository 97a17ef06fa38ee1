%% Process aliases, and spawn_request.
-module(aliases).
-export([main/0]).
-include("show.hrl").

main() ->
    ?SHOW(is_reference(alias())),
    Alias = alias(),
    Alias ! to_alias,
    ?SHOW(receive to_alias -> got end),
    ?SHOW(unalias(Alias)),
    ?SHOW(unalias(Alias)),
    Alias ! lost,
    ?SHOW(receive lost -> got after 10 -> dropped end),
    Once = alias([reply]),
    Once ! first,
    Once ! second,
    ?SHOW(receive first -> got after 10 -> dropped end),
    ?SHOW(receive second -> got after 10 -> dropped end),
    ?SHOW(unalias(Once)),
    ?SHOW(call(fun(N) -> N * 2 end, 21)),
    ?SHOW(late_reply()),
    ?SHOW(demonitor_alias()),
    ?SHOW(explicit_unalias()),
    ?SHOW(tagged_monitor()),
    ?TRY(alias(id([bad_option]))),
    ?TRY(unalias(id(x))),
    ?SHOW(unalias(make_ref())),
    ?SHOW((make_ref() ! nowhere) =:= nowhere),
    ?SHOW(request()),
    ?SHOW(request_no_reply()),
    ?SHOW(request_bad_option()),
    ?SHOW(receive Any -> Any after 10 -> mailbox_empty end).

%% A call whose reply can never arrive late.
call(F, Arg) ->
    Server = spawn(fun() -> receive {Tag, ReplyTo, X} -> ReplyTo ! {Tag, F(X)} end end),
    Ref = monitor(process, Server, [{alias, reply_demonitor}]),
    Server ! {Ref, Ref, Arg},
    receive
        {Ref, Result} -> {Result, demonitor(Ref, [info])};
        {'DOWN', Ref, _, _, Reason} -> {down, Reason}
    end.

late_reply() ->
    Self = self(),
    Server = spawn(fun() -> receive {go, ReplyTo} -> ReplyTo ! late, Self ! sent end end),
    Ref = monitor(process, Server, [{alias, demonitor}]),
    demonitor(Ref, [flush]),
    Server ! {go, Ref},
    receive sent -> ok end,
    receive late -> got_late after 20 -> nothing end.

demonitor_alias() ->
    Server = spawn(fun() -> receive stop -> ok end end),
    Ref = monitor(process, Server, [{alias, demonitor}]),
    Ref ! one,
    Result1 = receive one -> got after 10 -> dropped end,
    Server ! stop,
    receive {'DOWN', Ref, process, Server, normal} -> ok end,
    Ref ! two,
    {Result1, receive two -> got after 10 -> dropped end}.

explicit_unalias() ->
    Server = spawn(fun() -> receive stop -> ok end end),
    Ref = monitor(process, Server, [{alias, explicit_unalias}]),
    demonitor(Ref, [flush]),
    Ref ! still,
    Result = receive still -> got after 10 -> dropped end,
    Server ! stop,
    {Result, unalias(Ref)}.

tagged_monitor() ->
    {Pid, _} = spawn_monitor(fun() -> receive stop -> exit(done) end end),
    Ref = monitor(process, Pid, [{tag, {my, tag}}]),
    Pid ! stop,
    Result = receive {{my, tag}, Ref, process, Pid, Reason} -> Reason end,
    receive {'DOWN', _, process, Pid, done} -> Result end.

request() ->
    ReqId = spawn_request(fun() -> ok end),
    receive {spawn_reply, ReqId, ok, Pid} -> is_pid(Pid) end.

request_no_reply() ->
    Self = self(),
    ReqId = spawn_request(fun() -> Self ! child_runs end, [{reply, no}]),
    receive child_runs -> ok end,
    receive {spawn_reply, ReqId, _, _} -> replied after 10 -> no_reply end.

request_bad_option() ->
    ReqId = spawn_request(fun() -> ok end, [bad_option]),
    receive {spawn_reply, ReqId, error, Reason} -> Reason after 100 -> none end.
