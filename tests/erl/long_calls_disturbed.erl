%% Long built-in functions in whose middle others act: on the process (which is collected, suspended, traced, asked about, killed), on the
%% tables and patterns that it uses. What it computes is what it computes when it is alone.
%% needs: OTP
-module(long_calls_disturbed).
-export([main/0, main/1]).
-include("show.hrl").

main() -> run(4).

main([small]) -> run(1).

run(Rounds) ->
    guards_of_select(Rounds),
    shared_pattern(),
    suspended_in_the_middle(),
    put(terms, terms()),
    [disturbed(Name, Disturb, Rounds) || {Name, Disturb} <- disturbances()],
    killed(Rounds),
    fixations_of_killed(),
    tables_that_change(Rounds),
    mailbox_in_the_middle(Rounds).

%% A guard of a match specification that takes long looks at an object that others delete meanwhile.
guards_of_select(Rounds) ->
    ?SHOW(lists:usort([guards_round() || _ <- lists:seq(1, Rounds)])).

guards_round() ->
    T = ets:new(t, [public]),
    L = lists:seq(1, 100000),
    [ets:insert(T, {I, L}) || I <- [1, 2, 3, 4]],
    Self = self(),
    Spec = [{{'$1', '$2'}, [{'>', {length, '$2'}, 0}], [{{'$1', {length, '$2'}}}]}],
    {Pid, Ref} = spawn_monitor(fun() -> Self ! go, exit({selected, lists:sort(ets:select(T, Spec))}) end),
    receive go -> ok end,
    erlang:yield(),
    %% Either before or behind what the other one does.
    [begin ets:delete(T, I), ets:insert(T, {I, "abc"}), erlang:yield() end || I <- [1, 2, 3, 4]],
    garbage_collect(),
    Result = receive {'DOWN', Ref, process, Pid, {selected, R}} -> R end,
    ets:delete(T),
    [I || {I, N} <- Result, N =:= 3 orelse N =:= 100000].

%% A compiled pattern may be used by several processes at once.
shared_pattern() ->
    P = binary:compile_pattern([<<"needle">>, <<"pin">>]),
    Subject = binary:copy(<<"hay hay pin hay needle ">>, 20000),
    Expected = erlang:phash2(binary:matches(Subject, P)),
    Pids = [spawn_monitor(fun() -> exit(erlang:phash2(binary:matches(Subject, P)) =:= Expected) end) || _ <- [1, 2, 3]],
    ?SHOW([receive {'DOWN', Ref, process, Pid, Same} -> Same end || {Pid, Ref} <- Pids]).

%% Who was suspended in the middle can be collected and asked about.
suspended_in_the_middle() ->
    Pid = spawn_link(fun() -> reverse_forever(lists:seq(1, 100000)) end),
    Results = [begin
                   receive after 2 -> ok end,
                   true = erlang:suspend_process(Pid, [asynchronous]),
                   receive after 2 -> ok end,
                   Done = {garbage_collect(Pid), process_info(Pid, status)},
                   true = erlang:resume_process(Pid),
                   Done
               end || _ <- lists:seq(1, 10)],
    ?SHOW(lists:usort(Results)),
    unlink(Pid),
    exit(Pid, kill).

reverse_forever(L) -> lists:reverse(L, []), reverse_forever(L).

terms() ->
    L = lists:seq(1, 40000),
    B = list_to_binary(lists:duplicate(20000, "abcdefghij")),
    M = maps:from_list([{I, integer_to_binary(I)} || I <- lists:seq(1, 5000)]),
    {L, B, M, term_to_binary({L, M, B})}.

%% All kinds of long calls: what they give, as a hash.
calls({L, B, M, E}) ->
    T = ets:new(t, [ordered_set]),
    H = ets:new(t, [duplicate_bag]),
    [ets:insert(X, {I, [I]}) || X <- [T, H], I <- lists:seq(1, 5000)],
    Values =
        [length(L), lists:reverse(L, [tail]), L ++ [end_of_list], lists:member(none, L), lists:keyfind(0, 1, [{I} || I <- L]),
         L -- [1, 40000], erlang:md5(B), erlang:crc32(B), erlang:adler32([B, B]), binary:copy(<<"xyz">>, 100000),
         binary:matches(B, [<<"def">>, <<"ij">>]), binary:split(B, <<"j">>, [global]), binary_to_list(B), list_to_binary([B, [B | B]]),
         iolist_size([B, B, [B]]), erlang:iolist_to_iovec([[<<"a">>, I band 255] || I <- L]), unicode:characters_to_list(B),
         unicode:characters_to_binary(L), binary_to_term(E), erlang:phash2({L, M}), erlang:external_size(M), term_to_binary(M),
         re:run(B, "j(z|a)bq", []), re:run(B, "(hij|efg)+$", [{capture, all, index}]), maps:to_list(M),
         lists:sort(maps:keys(M)), lists:sort(maps:values(M)), maps:from_keys(L, same), maps:merge(maps:from_keys(L, v), M),
         ets:select(T, [{{'$1', '_'}, [{'=:=', {'rem', '$1', 7}, 0}], ['$1']}]), lists:sort(ets:match_object(H, {'_', '_'})),
         ets:select_count(H, [{{'$1', '_'}, [{'>', '$1', 10}], [true]}]), ets:tab2list(T),
         ets:select_delete(T, [{{'$1', '_'}, [{'>', '$1', 100}], [true]}]), ets:info(T, size), ets:delete_all_objects(H)],
    ets:delete(T),
    ets:delete(H),
    erlang:phash2(Values).

disturbances() ->
    [{collected, fun(Pid) -> garbage_collect(Pid) end},
     {minor, fun(Pid) -> garbage_collect(Pid, [{type, minor}]) end},
     {suspended, fun(Pid) ->
                         case catch erlang:suspend_process(Pid) of
                             true -> erlang:yield(), erlang:resume_process(Pid);
                             _ -> gone
                         end
                 end},
     {asked, fun(Pid) ->
                     process_info(Pid, [memory, heap_size, total_heap_size, garbage_collection_info, binary, messages, current_stacktrace,
                                        current_function, backtrace, dictionary, reductions, status, registered_name])
             end},
     {traced, fun(Pid) ->
                      catch erlang:trace(Pid, true, [call, procs, running, garbage_collection, 'receive']),
                      erlang:yield(),
                      catch erlang:trace(Pid, false, [all])
              end},
     {sent, fun(Pid) -> Pid ! {some, <<0:10000>>, lists:seq(1, 100)} end},
     {exits, fun(Pid) -> exit(Pid, not_yet) end}].

disturbed(Name, Disturb, Rounds) ->
    Terms = get(terms),
    Expected = calls(Terms),
    Self = self(),
    {Pid, Ref} = spawn_monitor(fun() ->
                                       process_flag(trap_exit, true),
                                       Self ! ready,
                                       exit(lists:usort([calls(Terms) || _ <- lists:seq(1, max(1, Rounds div 10))]))
                               end),
    receive ready -> ok end,
    Result = disturb(Pid, Ref, Disturb, 12),
    flush(),
    ?SHOW({Name, Result =:= [Expected]}).

disturb(Pid, Ref, _, 0) ->
    receive {'DOWN', Ref, process, Pid, Result} -> Result end;
disturb(Pid, Ref, Disturb, Times) ->
    Disturb(Pid),
    receive {'DOWN', Ref, process, Pid, Result} -> Result
    after 1 -> disturb(Pid, Ref, Disturb, Times - 1)
    end.

flush() ->
    receive _ -> flush()
    after 0 -> ok
    end.

%% Processes that are killed anywhere, and those that are linked to them.
killed(Rounds) ->
    Terms = get(terms),
    process_flag(trap_exit, true),
    Reasons = [begin
                   Pid = spawn_link(fun() -> spawn_link(fun() -> calls(Terms), receive never -> ok end end), calls(Terms), receive never -> ok end end),
                   [erlang:yield() || _ <- lists:seq(1, N)],
                   exit(Pid, kill),
                   receive {'EXIT', Pid, Reason} -> Reason end
               end || N <- lists:seq(1, 5 * Rounds)],
    ?SHOW(lists:usort(Reasons)),
    process_flag(trap_exit, false).

%% Who is killed in the middle of a walk over a table does not hold it fixed.
fixations_of_killed() ->
    [begin
         T = ets:new(t, [public, Kind]),
         ets:insert(T, [{I, I} || I <- lists:seq(1, 30000)]),
         Walk = fun Walk() -> ets:select(T, [{{'$1', '_'}, [{'<', '$1', 0}], ['$1']}]), Walk() end,
         {Pid, Ref} = spawn_monitor(Walk),
         [erlang:yield() || _ <- lists:seq(1, 20)],
         exit(Pid, kill),
         receive {'DOWN', Ref, process, Pid, killed} -> ok end,
         ?SHOW({Kind, ets:info(T, safe_fixed), ets:info(T, fixed), ets:info(T, size)}),
         ets:delete(T)
     end || Kind <- [set, bag, ordered_set]].

%% Tables that are deleted, emptied, renamed, given away, or whose owner ends, while others walk over them.
tables_that_change(Rounds) ->
    [?SHOW({Kind, Name, lists:usort([table_changes(Kind, Change, N) || N <- lists:seq(1, Rounds)]) -- [done, gone]})
     || Kind <- [set, ordered_set, duplicate_bag], {Name, Change} <- changes()].

changes() ->
    [{deleted, fun(T) -> ets:delete(T) end},
     {emptied, fun(T) -> ets:delete_all_objects(T) end},
     {renamed, fun(T) -> ets:rename(T, other_name) end},
     {given, fun(T) -> ets:give_away(T, spawn(fun() -> receive _ -> ok end end), data) end},
     {removed, fun(T) -> [ets:delete(T, I) || I <- lists:seq(1, 10000)] end},
     {filled, fun(T) -> ets:insert(T, [{I, I} || I <- lists:seq(20001, 40000)]) end},
     {ended, fun(_) -> exit(ended) end}].

table_changes(Kind, Change, N) ->
    Self = self(),
    {Owner, OwnerRef} =
        spawn_monitor(fun() ->
                              T = ets:new(t, [public, Kind]),
                              ets:insert(T, [{I, I} || I <- lists:seq(1, 20000)]),
                              Self ! {table, T},
                              receive change -> ok end,
                              Change(T),
                              Self ! changed,
                              receive stop -> ok end
                      end),
    T = receive {table, Table} -> Table end,
    Walks = [fun() -> ets:select(T, [{{'$1', '_'}, [{'<', '$1', 100}], ['$1']}]) end,
             fun() -> ets:select_delete(T, [{{'$1', '_'}, [{'=:=', {'rem', '$1', 3}, 0}], [true]}]) end,
             fun() -> ets:select(T, [{{'$1', '_'}, [{'<', '$1', 0}], ['$1']}], 100) end,
             fun() -> ets:select_reverse(T, [{{'$1', '_'}, [], ['$1']}]) end,
             fun() -> ets:tab2list(T) end,
             fun() -> ets:match(T, {'$1', none}) end],
    Walkers = [spawn_monitor(fun() ->
                                     exit(try Walk(), done
                                          catch error:badarg -> gone
                                          end)
                             end) || Walk <- Walks],
    [erlang:yield() || _ <- lists:seq(1, N)],
    Owner ! change,
    Ends = [receive {'DOWN', Ref, process, Pid, Reason} -> Reason end || {Pid, Ref} <- Walkers],
    Owner ! stop,
    receive {'DOWN', OwnerRef, process, Owner, _} -> ok end,
    flush(),
    case lists:usort(Ends) -- [done, gone] of
        [] -> done;
        Other -> Other
    end.

%% Messages that come while a receive looks at one with a long guard.
mailbox_in_the_middle(Rounds) ->
    L = lists:seq(1, 200000),
    Self = self(),
    ?SHOW(lists:usort(
            [begin
                 Pid = spawn(fun() ->
                                     Self ! {self(), receive X when length(X) =:= 200000, hd(X) =:= 1 -> {list, length(X)}
                                                     after 60000 -> timeout
                                                     end, process_info(self(), message_queue_len)}
                             end),
                 Pid ! [2 | L],
                 Pid ! L,
                 [begin erlang:yield(), Pid ! {other, I}, is_process_alive(Pid) end || I <- lists:seq(1, 3)],
                 receive {Pid, Result, {message_queue_len, N}} -> {Result, N >= 1, N =< 4} end
             end || _ <- lists:seq(1, Rounds)])).
