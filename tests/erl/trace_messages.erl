%% erl_tracer: when OTP's default tracer would trace, and what it sends.
%% needs: preloaded modules
-module(trace_messages).
-export([main/0]).
-include("show.hrl").

main() ->
    catch erl_tracer:on_load(),
    {Dead, Monitor} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Monitor, _, _, _} -> ok end,
    Alive = spawn(fun() -> receive stop -> ok end end),
    ?SHOW([{Tag, [erl_tracer:enabled(Tag, Tracer, self()) || Tracer <- [[], self(), Dead, Alive, foo]]}
           || Tag <- [trace_status, call, seq_trace, garbage_collection_minor]]),
    Options = [#{}, [], #{match_spec_result => undefined}, #{extra => x, match_spec_result => true, scheduler_id => 3},
               #{timestamp => undefined}, #{timestamp => 17}]
        ++ [#{timestamp => Kind, extra => x} || Kind <- [monotonic, strict_monotonic, timestamp, cpu_timestamp]],
    ?SHOW([sent(Tag, Given) || Tag <- [call, seq_trace], Given <- Options]),
    ?SHOW([erl_tracer:trace(call, Tracer, self(), message, #{}) || Tracer <- [foo, Dead]]),
    ?SHOW(receive Any -> Any after 0 -> nothing end).

sent(Tag, Options) ->
    ok = erl_tracer:trace(Tag, self(), tracee, {lists, seq, [1, 2]}, Options),
    receive
        Message when is_map_key(timestamp, Options) ->
            Last = tuple_size(Message),
            setelement(Last, Message, kind(element(Last, Message)));
        Message -> Message
    after 0 -> nothing
    end.

kind(Time) when is_integer(Time) -> integer;
kind({Time, Unique}) when is_integer(Time), is_integer(Unique) -> pair;
kind({_, Seconds, Microseconds}) when Seconds < 1000000, Microseconds < 1000000 -> three;
kind(Other) -> Other.
