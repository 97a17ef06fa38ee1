%% Runs one test suite of OTP on the node that is tested, case by case, and writes down what became of each.
%%
%% Started by `conformance` as `-s conformance_case main -extra SUITE DATA_DIR PRIV_DIR RESULTS LIMIT ONLY`. LIMIT is the longest that a case
%% may take, in milliseconds; ONLY is the name of the one case to run, or `-`. RESULTS gets a term a line: `{start, Case}` and
%% `{done, Case, Outcome, Milliseconds}`; what it has already from an earlier node that died is not run again. The last line is `finished`.
%%
%% Invariant: each line is written before anything else happens, so that whoever reads the file knows in which case a node died.
-module(conformance_case).
-export([main/0, timetrap/1, time_limit/0]).

%% Milliseconds between two cases.
-define(REST, 10).

-record(run, {suite, file, limit, only, done}).

main() ->
    [SuiteText, Data, Priv, Results, LimitText, OnlyText] = init:get_plain_arguments(),
    Suite = list_to_atom(SuiteText),
    register(?MODULE, self()),
    process_flag(trap_exit, true),
    Done = [Case || {done, Case, _, _} <- read(Results)] ++ died(read(Results)),
    {ok, File} = file:open(Results, [append, raw]),
    Only = case OnlyText of "-" -> all; _ -> list_to_atom(OnlyText) end,
    Run = #run{suite = Suite, file = File, limit = list_to_integer(LimitText), only = Only, done = Done},
    persistent_term:put(?MODULE, Run#run.limit),
    Config = [{data_dir, Data ++ "/"}, {priv_dir, Priv ++ "/"}, {suite, Suite}, {tc_logfile, Priv ++ "/log"},
              {watchdog, self()}, {nodenames, []}],
    case code:ensure_loaded(Suite) of
        {module, Suite} -> suite(Run, Config);
        {error, Why} -> note(Run, {unusable, {cannot_load, Why}})
    end,
    note(Run, finished),
    file:close(File),
    erlang:halt(0).

%% Called in a case: its time counts anew from here.
timetrap(Time) ->
    catch ?MODULE ! {timetrap, milliseconds(Time)},
    make_ref().

time_limit() -> persistent_term:get(?MODULE).

%% The terms of a file; a last line that is not whole does not count.
read(Path) ->
    case file:read_file(Path) of
        {ok, Bytes} -> lists:append([term(Line) || Line <- binary:split(Bytes, <<"\n">>, [global])]);
        _ -> []
    end.

term(Line) ->
    case erl_scan:string(unicode:characters_to_list(Line)) of
        {ok, Tokens, _} ->
            case erl_parse:parse_term(Tokens) of
                {ok, Term} -> [Term];
                _ -> []
            end;
        _ -> []
    end.

%% The case that was running when an earlier node died.
died(Terms) ->
    case lists:reverse(Terms) of
        [{start, Case} | _] -> [Case];
        _ -> []
    end ++ [Case || {dead, Case} <- Terms].

note(#run{file = File}, Term) ->
    ok = file:write(File, unicode:characters_to_binary(io_lib:format("~0tp.~n", [Term]))).

%% Suites and groups.

suite(#run{suite = Suite} = Run, Config0) ->
    Info = optional(Suite, suite, [], []),
    Limit = limit(Info, Run#run.limit),
    try Suite:all() of
        {skip, Why} -> note(Run, {unusable, {skip, text(Why)}});
        Items ->
            Tree = [tree(Suite, Item) || Item <- Items],
            within(Run, [], Tree, Config0, Limit,
                   {init_per_suite, fun(C) -> optional(Suite, init_per_suite, [C], C) end},
                   {end_per_suite, fun(C) -> optional(Suite, end_per_suite, [C], ok) end})
    catch
        Class:Reason -> note(Run, {unusable, {all, Class, text(Reason)}})
    end.

%% What `all/0` and `groups/0` say as a tree of cases and groups.
tree(Suite, {group, Name}) -> group(Suite, Name);
tree(Suite, {group, Name, _}) -> group(Suite, Name);
tree(Suite, {group, Name, _, _}) -> group(Suite, Name);
tree(Suite, {Name, Properties, Items}) when is_list(Properties), is_list(Items) ->
    {group, Name, Properties, [tree(Suite, Item) || Item <- Items]};
tree(_, {testcase, Case, _}) -> {testcase, Case};
tree(_, {Case, _}) when is_atom(Case) -> {testcase, Case};
tree(_, Case) when is_atom(Case) -> {testcase, Case}.

group(Suite, Name) ->
    case lists:keyfind(Name, 1, optional(Suite, groups, [], [])) of
        {Name, Properties, Items} when is_list(Items) -> tree(Suite, {Name, Properties, Items});
        {Name, Items} when is_list(Items) -> tree(Suite, {Name, [], Items});
        false -> {group, Name, [], []}
    end.

%% Runs what is in a suite or a group between its beginning and its end.
within(Run, Path, Items, Config, Limit, {Begin, BeginFun}, {End, EndFun}) ->
    case wanted(Run, Path, Items) of
        [] -> ok;
        Cases ->
            case step(BeginFun, Config, Limit) of
                {ok, {skip, Why}} -> [outcome(Run, Case, {skip, text(Why)}, 0) || Case <- Cases];
                {ok, {skipped, Why}} -> [outcome(Run, Case, {skip, text(Why)}, 0) || Case <- Cases];
                {ok, Answer} ->
                    Inner = case Answer of
                                [_ | _] -> Answer;
                                _ -> Config
                            end,
                    [item(Run, Path, Item, Inner, Limit) || Item <- Items],
                    case step(EndFun, Inner, Limit) of
                        {failed, Why} -> note(Run, {trouble, key(Path, End), text(Why)});
                        _ -> ok
                    end;
                {failed, Why} -> [outcome(Run, Case, {failed, text({Begin, Why})}, 0) || Case <- Cases]
            end
    end.

item(Run, Path, {testcase, Case}, Config, Limit) ->
    case wanted(Run, Path, [{testcase, Case}]) of
        [Key] -> testcase(Run, Key, Case, Config, Limit);
        [] -> ok
    end;
item(#run{suite = Suite} = Run, Path, {group, Name, Properties, Items}, Config, Limit0) ->
    Limit = limit(optional(Suite, group, [Name], []), Limit0),
    Own = [{tc_group_properties, [{name, Name} | Properties]}, {tc_group_path, []} | Config],
    within(Run, Path ++ [Name], Items, Own, Limit,
           {init_per_group, fun(C) -> optional(Suite, init_per_group, [Name, C], C) end},
           {end_per_group, fun(C) -> optional(Suite, end_per_group, [Name, C], ok) end}).

%% The names of the cases that are still to be run.
wanted(#run{only = Only, done = Done} = Run, Path, Items) ->
    lists:append([case Item of
                      {testcase, Case} -> [key(Path, Case) || Only =:= all orelse Only =:= Case];
                      {group, Name, _, Inner} -> wanted(Run, Path ++ [Name], Inner)
                  end || Item <- Items]) -- Done.

key(Path, Case) -> lists:append(lists:join("/", [atom_to_list(Name) || Name <- Path ++ [Case]])).

outcome(Run, Key, Outcome, Time) ->
    note(Run, {done, Key, Outcome, Time}).

%% One case: its beginning, itself and its end in one process.

testcase(#run{suite = Suite} = Run, Key, Case, Config, Limit0) ->
    note(Run, {start, Key}),
    Limit = limit(optional(Suite, Case, [], []), Limit0),
    Start = erlang:monotonic_time(millisecond),
    Self = self(),
    Body = fun(C0) ->
                   case optional(Suite, init_per_testcase, [Case, C0], C0) of
                       {skip, Why} -> {skip, Why};
                       {skipped, Why} -> {skip, Why};
                       {fail, Why} -> exit({init_per_testcase, Why});
                       C when is_list(C) ->
                           Self ! {self(), config, C},
                           Outcome = called(fun() -> Suite:Case(C) end),
                           Ended = (catch optional(Suite, end_per_testcase, [Case, C], ok)),
                           case {Outcome, Ended} of
                               {ok, {fail, Why}} -> {failed, Why};
                               _ -> Outcome
                           end
                   end
           end,
    Outcome = case step(Body, Config, Limit) of
                  {ok, {skip, Why}} -> {skip, text(Why)};
                  {ok, {failed, Why}} -> {failed, text(Why)};
                  {ok, _} -> ok;
                  {failed, Why} ->
                      %% It did not come to its end.
                      case get(config) of
                          undefined -> ok;
                          C -> step(fun(C1) -> optional(Suite, end_per_testcase, [Case, C1], ok) end,
                                    [{tc_status, {failed, Why}} | C], 10000)
                      end,
                      case Why of
                          {skip, Reason} -> {skip, text(Reason)};
                          _ -> {failed, text(Why)}
                      end
              end,
    erase(config),
    outcome(Run, Key, Outcome, erlang:monotonic_time(millisecond) - Start).

%% What a case's value or exception means.
called(Fun) ->
    try Fun() of
        {skip, Why} -> {skip, Why};
        {skipped, Why} -> {skip, Why};
        {skip_and_save, Why, _} -> {skip, Why};
        _ -> ok
    catch
        throw:{skip, Why} -> {skip, Why};
        throw:{skipped, Why} -> {skip, Why};
        exit:{skip, Why} -> {skip, Why};
        Class:Reason:Stack -> {failed, {Class, Reason, lists:sublist(Stack, 4)}}
    end.

%% Calls a function in a process of its own, with a group leader of its own, and no longer than `Limit`.
step(Fun, Config, Limit) ->
    Leader = conformance_io:start(),
    Self = self(),
    {Pid, Ref} = spawn_monitor(fun() ->
                                       group_leader(Leader, self()),
                                       Self ! {self(), value, Fun(Config)}
                               end),
    Result = await(Pid, Ref, erlang:monotonic_time(millisecond) + Limit),
    conformance_io:stop(Leader),
    %% Processes linked to a case end with it, and give back their names, when their turn comes.
    receive after ?REST -> ok end,
    Result.

await(Pid, Ref, Deadline) ->
    Left = max(0, Deadline - erlang:monotonic_time(millisecond)),
    receive
        {Pid, config, Config} ->
            put(config, Config),
            await(Pid, Ref, Deadline);
        {Pid, value, Value} ->
            receive {'DOWN', Ref, process, Pid, _} -> ok end,
            {ok, Value};
        {timetrap, infinity} -> await(Pid, Ref, Deadline);
        {timetrap, Time} -> await(Pid, Ref, erlang:monotonic_time(millisecond) + min(2 * Time, time_limit()));
        {'DOWN', Ref, process, Pid, Why} -> {failed, Why};
        {'EXIT', _, _} -> await(Pid, Ref, Deadline)
    after Left ->
            Where = process_info(Pid, current_stacktrace),
            exit(Pid, kill),
            receive {'DOWN', Ref, process, Pid, _} -> ok end,
            {failed, {timeout, Where}}
    end.

optional(Module, Function, Args, Default) ->
    case erlang:function_exported(Module, Function, length(Args)) of
        true -> apply(Module, Function, Args);
        false -> Default
    end.

%% A suite's own limits are generous: with twice as much a slow machine has no excuse.
limit(Info, Limit) when is_list(Info) ->
    case lists:keyfind(timetrap, 1, Info) of
        {timetrap, Time} ->
            case milliseconds(Time) of
                infinity -> Limit;
                Own -> min(2 * Own, time_limit())
            end;
        false -> Limit
    end;
limit(_, Limit) -> Limit.

milliseconds({seconds, N}) -> N * 1000;
milliseconds({minutes, N}) -> N * 60000;
milliseconds({hours, N}) -> N * 3600000;
milliseconds(N) when is_integer(N) -> N;
milliseconds(_) -> infinity.

%% A reason in one short line, without what differs from run to run being lost in depth.
text(Reason) ->
    Text = lists:flatten(io_lib:format("~0tP", [Reason, 40])),
    lists:sublist([case C of $\n -> $\s; _ -> C end || C <- Text], 600).
