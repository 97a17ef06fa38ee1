%% Collections that others ask of a process that holds them back: answered when it lets them happen again, or when it ends.
%% needs: OTP
-module(collections_held_back).
-export([main/0]).
-include("show.hrl").

main() ->
    _ = erts_debug:set_internal_state(available_internal_state, true),
    ?SHOW(erts_debug:set_internal_state(gc_state, true)),
    ?SHOW(asked_meanwhile(fun() -> erts_debug:set_internal_state(gc_state, true) end)),
    ?SHOW(asked_meanwhile(fun() -> exit(normal) end)),
    _ = erts_debug:set_internal_state(available_internal_state, false),
    ok.

%% What a process answers that was asked for three collections, before and behind the call of Fun.
asked_meanwhile(Fun) ->
    Self = self(),
    {Pid, Monitor} = spawn_monitor(fun() ->
        Was = erts_debug:set_internal_state(gc_state, false),
        Self ! {held_back, Was},
        receive go -> ok end,
        _ = lists:sum(lists:seq(1, 100000)),
        Result = Fun(),
        Self ! {result, Result},
        receive stop -> ok end
    end),
    Was = receive {held_back, B} -> B end,
    Ids = [one, {"two", [2]}, make_ref()],
    Asked = [garbage_collect(Pid, [{async, Id}]) || Id <- Ids],
    Early = receive {garbage_collect, _, _} -> early after 50 -> none end,
    Pid ! go,
    Answers = [receive {garbage_collect, Id, Done} -> Done end || Id <- Ids],
    Pid ! stop,
    receive {'DOWN', Monitor, process, Pid, Reason} -> ok end,
    Result = receive {result, R} -> R after 0 -> none end,
    {Was, Asked, Early, Answers, Result, Reason}.
