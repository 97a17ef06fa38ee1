%% Weighs one workload: `-s bench main MODULE`.
%%
%% MODULE:run/0 is called once, in a process of its own, in an OS process that has done nothing else. Prints
%% `{MODULE,MillisecondsOfProcessorTime,PeakKilobytes,Result}` on one line: the time is that of all threads of the OS process while
%% run/0 ran (start-up and loading the module are not in it), the peak is the most memory that the OS process ever had (VmHWM).
-module(bench).
-export([main/1]).

main([Module]) ->
    {module, Module} = code:ensure_loaded(Module),
    Start = processor_time(),
    {Pid, Monitor} = spawn_monitor(fun() -> exit({result, Module:run()}) end),
    Result = receive
        {'DOWN', Monitor, process, Pid, {result, Value}} -> Value;
        {'DOWN', Monitor, process, Pid, Reason} -> error({failed, Module, Reason})
    end,
    erlang:display({Module, processor_time() - Start, peak(), Result}).

%% User and system time of this OS process in milliseconds: clock ticks, a hundred a second.
processor_time() ->
    [_, Fields] = string:split(read("/proc/self/stat"), ") ", trailing),
    List = string:lexemes(Fields, " "),
    10 * (list_to_integer(lists:nth(12, List)) + list_to_integer(lists:nth(13, List))).

%% Most memory that this OS process has had, in kilobytes.
peak() ->
    [_, Rest] = string:split(read("/proc/self/status"), "VmHWM:"),
    list_to_integer(hd(string:lexemes(Rest, " \t"))).

read(Name) ->
    {ok, Bytes} = file:read_file(Name),
    binary_to_list(Bytes).
