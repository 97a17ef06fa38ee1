%% Processes that eat memory, each in its own way, one after another, while others go on. For each the reason of its end and whether an
%% old process still answers, code can be loaded, and the logger has its process.
%%
%% `../out_of_memory.rs` runs it with little memory and reads the reports, too, `../xen_memory.rs` in a small domain. By hand:
%% `(ulimit -v 250000; starling erl -noshell -pa DIR -s eaters main -s erlang halt)`
-module(eaters).
-export([main/0, main/1, loop/1]).

ways() -> [list, tuples, binaries, appended, messages, own_messages, ets, ets_ordered, funs, maps, recursion, list_to_binary, to_list,
           term_to_binary, iovec, copy, seq, duplicate, big_tuples, bignums, processes, links, monitors, timers, copies, dictionary, split,
           characters, matches, persistent, aliases, code].

main() -> main(ways()).
main(Ways) ->
    process_flag(trap_exit, true),
    Echo = spawn(fun echo/0),
    lists:foreach(fun(Way) -> one(Way, Echo) end, Ways),
    say("done~n", []).

say(Format, Arguments) -> io:format("## " ++ Format, Arguments).

echo() -> receive {From, What} -> From ! {self(), What}, echo() end.

one(Way, Echo) ->
    Logger = [whereis(logger), whereis(logger_proxy), whereis(code_server)],
    {Pid, Ref} = spawn_monitor(?MODULE, loop, [Way]),
    Reason = receive {'DOWN', Ref, process, Pid, R} -> shape(R) after 60000 -> timeout end,
    exit(Pid, kill),
    Echo ! {self(), Way},
    Answers = receive {Echo, Way} -> true after 10000 -> false end,
    Same = Logger =:= [whereis(logger), whereis(logger_proxy), whereis(code_server)],
    say("~w ~w ~w ~w~n", [Way, Reason, Answers, Same]).

shape({Reason, Stack}) when is_list(Stack) -> Reason;
shape(Reason) -> Reason.

%% What fails as OTP documents it, is no end of memory: then the process has not eaten enough.
loop(Way) -> eat(Way), loop(Way).

eat(list) -> grow(fun(A) -> [1, 2, 3 | A] end, []);
eat(tuples) -> grow(fun(A) -> {A, 1} end, {});
eat(binaries) -> grow(fun(A) -> [binary:copy(<<1>>, 10000) | A] end, []);
eat(appended) -> grow(fun(A) -> <<A/binary, 0:8000>> end, <<>>);
eat(messages) ->
    Deaf = spawn_link(fun() -> receive never -> ok end end),
    List = lists:seq(1, 1000),
    grow(fun(A) -> Deaf ! List, A end, ok);
eat(own_messages) -> Bytes = binary:copy(<<1>>, 50), grow(fun(A) -> self() ! Bytes, A end, ok);
eat(ets) -> table(set);
eat(ets_ordered) -> table(ordered_set);
eat(funs) -> grow(fun(A) -> fun() -> A end end, ok);
eat(maps) -> grow(fun(A) -> A#{map_size(A) => a} end, #{});
eat(recursion) -> deeper(0);
eat(list_to_binary) -> grow(fun(A) -> list_to_binary([A, A]) end, <<0:80000>>);
eat(to_list) -> binary_to_list(binary:copy(<<1>>, 20000000));
eat(term_to_binary) -> grow(fun(A) -> term_to_binary([A, A]) end, lists:seq(1, 1000));
eat(iovec) -> Term = lists:seq(1, 1000), grow(fun(A) -> [term_to_iovec(Term) | A] end, []);
eat(copy) -> binary:copy(<<1>>, 1000000000);
eat(seq) -> lists:seq(1, 100000000);
eat(duplicate) -> lists:duplicate(100000000, a);
eat(big_tuples) -> grow(fun(A) -> erlang:make_tuple(1000000, A) end, ok);
eat(bignums) -> grow(fun(A) -> [1 bsl (1000000 + length(A)) | A] end, []);
eat(processes) -> grow(fun(A) -> spawn_opt(fun() -> receive never -> ok end end, [link, {priority, low}]), A end, ok);
eat(links) -> grow(fun(A) -> [spawn_link(fun() -> receive never -> ok end end) | A] end, []);
eat(monitors) -> grow(fun(A) -> monitor(process, whereis(init)), A end, ok);
eat(timers) -> grow(fun(A) -> erlang:send_after(100000000, self(), abc), A end, ok);
eat(copies) -> Term = lists:seq(1, 500000), grow(fun(A) -> [spawn_link(fun() -> receive a -> Term end end) | A] end, []);
eat(dictionary) -> grow(fun(A) -> put(A, {A}), A + 1 end, 0);
eat(split) -> binary:split(binary:copy(<<"a,">>, 5000000), <<",">>, [global]);
eat(characters) -> unicode:characters_to_list(binary:copy(<<"a">>, 30000000));
eat(matches) -> re:run(binary:copy(<<"a,">>, 5000000), ",", [global]);
eat(persistent) -> Term = lists:seq(1, 10000), grow(fun(A) -> persistent_term:put({?MODULE, A}, Term), A + 1 end, 0);
eat(aliases) -> grow(fun(A) -> alias(), A end, ok);
%% Loading after all this still finds room, for one of OTP's larger modules that nobody has needed yet.
eat(code) ->
    false = code:is_loaded(gen_statem),
    {module, gen_statem} = code:load_file(gen_statem),
    exit({loaded, gen_statem:module_info(exports)}).

grow(Step, A) -> grow(Step, Step(A)).

%% The compiler takes a call that never returns for a last one.
deeper(-1) -> 0;
deeper(N) -> 1 + deeper(N + 1).

table(Type) ->
    Table = ets:new(table, [Type]),
    grow(fun(N) -> ets:insert(Table, {N, <<N:64>>}), N + 1 end, 0).
