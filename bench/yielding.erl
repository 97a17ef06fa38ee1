%% How long one process keeps the others waiting: `bench/yielding` runs this on OTP and on Starling.
%%
%% While a worker does one long thing, an observer waits 1 ms again and again and writes down how long that took. Each job is
%% {Name, Megabytes, Prepare, Run}; megabytes are those of what it works on, 8 bytes a word.
-module(yielding).
-export([main/1]).

%% yielding main ROUNDS NAME...: prints a line `row NAME MB MS MEDIAN P99 MAX HELD` for each job, times in microseconds but MS; of several
%% rounds, the one with the smallest MAX. HELD is the most processor time (milliseconds, of all threads) between two
%% of the observer's turns, which other programs on the host disturb less. What a job leaves behind goes with its processes.
main([Rounds | Names]) ->
    Wanted = [list_to_atom(Name) || Name <- Names],
    _ = [report(Job, list_to_integer(Rounds)) || Job <- jobs(), Wanted =:= [] orelse lists:member(element(1, Job), Wanted)],
    halt().

report({Name, Megabytes, _, _} = Job, Rounds) ->
    {Max, P99, Median, Milliseconds, Held} = lists:min([measure(Job) || _ <- lists:seq(1, Rounds)]),
    io:format("row ~ts ~w ~w ~w ~w ~w ~w~n", [Name, Megabytes, Milliseconds, Median, P99, Max, Held]).

measure({Name, _, Prepare, Run}) ->
    Self = self(),
    Observer = spawn(fun() -> receive go -> observe(now_and_used(), [], 0) end end),
    {Worker, Monitor} = spawn_monitor(fun() ->
        Subject = Prepare(),
        erlang:garbage_collect(),
        Observer ! go,
        receive after 10 -> ok end,
        T0 = erlang:monotonic_time(millisecond),
        Result = try Run(Subject) catch _:undef -> exit(undef) end,
        T1 = erlang:monotonic_time(millisecond),
        Observer ! {stop, Self},
        exit({took, T1 - T0, erlang:phash2(is_atom(Result))})
    end),
    receive
        {'DOWN', Monitor, process, Worker, {took, Milliseconds, _}} ->
            receive {gaps, Gaps, Held} -> ok end,
            Sorted = list_to_tuple(lists:sort(Gaps)),
            Count = tuple_size(Sorted),
            {element(Count, Sorted), element(max(1, Count * 99 div 100), Sorted), element((Count + 1) div 2, Sorted), Milliseconds, Held};
        {'DOWN', Monitor, process, Worker, Reason} ->
            exit(Observer, kill),
            io:format("failed ~ts ~0P~n", [Name, Reason, 20]),
            {0, 0, 0, 0, 0}
    end.

observe(Last, Gaps, Held) ->
    receive
        {stop, To} ->
            {Gap, Used, _} = since(Last),
            To ! {gaps, [Gap | Gaps], max(Held, Used)}
    after 1 ->
        {Gap, Used, Now} = since(Last),
        observe(Now, [Gap | Gaps], max(Held, Used))
    end.

since({Last, LastUsed}) ->
    {Now, Used} = now_and_used(),
    {Now - Last, Used - LastUsed, {Now, Used}}.

now_and_used() -> {erlang:monotonic_time(microsecond), element(1, erlang:statistics(runtime))}.

jobs() ->
    Nothing = fun() -> ok end,
    [
     %% What issue and design name: the long built-ins.
     {encode, 100, fun rows/0, fun erlang:term_to_binary/1},
     {decode, 100, fun() -> term_to_binary(rows()) end, fun erlang:binary_to_term/1},
     {sort, 16, fun() -> numbers(1000000) end, fun lists:sort/1},
     {ets_select, 80, fun table/0, fun(T) -> ets:select(T, [{{'$1', '$2', '_'}, [{'<', '$2', 1000}], ['$1']}]) end},
     {ets_select_all, 80, fun table/0, fun(T) -> ets:tab2list(T) end},
     {ets_delete, 80, fun table/0, fun ets:delete/1},
     {re_run, 10, fun() -> text(10) end, fun(B) -> re:run(B, "[a-z]+[0-9]+([a-z])zz(?:xx|yy)", [global]) end},
     {md5, 100, fun() -> text(100) end, fun erlang:md5/1},
     {sha256, 100, fun() -> text(100) end, fun(B) -> crypto:hash(sha256, B) end},
     {hmac, 100, fun() -> text(100) end, fun(B) -> crypto:mac(hmac, sha256, <<"key">>, B) end},
     {crc32, 100, fun() -> text(100) end, fun erlang:crc32/1},
     {list_to_binary, 16, fun() -> binary_to_list(text(1)) end, fun erlang:list_to_binary/1},
     {binary_to_list, 160, fun() -> text(10) end, fun erlang:binary_to_list/1},
     {to_utf8, 160, fun() -> binary_to_list(text(10)) end, fun unicode:characters_to_binary/1},
     {append, 160, fun() -> numbers(10000000) end, fun(L) -> L ++ [1] end},
     {reverse, 160, fun() -> numbers(10000000) end, fun lists:reverse/1},
     {subtract, 32, fun() -> {numbers(1000000), numbers(1000000)} end, fun({A, B}) -> A -- B end},
     {member, 160, fun() -> numbers(10000000) end, fun(L) -> lists:member(none, L) end},
     {length, 160, fun() -> numbers(10000000) end, fun erlang:length/1},
     {split, 100, fun() -> text(100) end, fun(B) -> binary:split(B, <<"zz">>, [global]) end},
     {match_nothing, 100, fun() -> text(100) end, fun(B) -> binary:match(B, <<"0123456789!">>) end},
     {match_byte, 100, fun() -> text(100) end, fun(B) -> binary:match(B, <<"!">>) end},
     {match_several, 100, fun() -> text(100) end, fun(B) -> binary:match(B, [<<"!">>, <<"abc!">>]) end},
     %% Comparing.
     {equal_list, 160, fun() -> {numbers(5000000), numbers(5000000)} end, fun({A, B}) -> A =:= B end},
     {less_list, 160, fun() -> {numbers(5000000), numbers(5000000)} end, fun({A, B}) -> A < B end},
     {equal_rows, 608, fun() -> {rows(), rows()} end, fun({A, B}) -> A == B end},
     {equal_deep, 160, fun() -> {deep(5000000), deep(5000000)} end, fun({A, B}) -> A =:= B end},
     {equal_binary, 200, fun() -> {text(100), text(100)} end, fun({A, B}) -> A =:= B end},
     {equal_map, 48, fun() -> {map(1000000), map(1000000)} end, fun({A, B}) -> A =:= B end},
     {less_map, 48, fun() -> {map(1000000), map(1000000)} end, fun({A, B}) -> A < B end},
     %% Copying.
     {send, 304, fun() -> {spawn(fun() -> receive after infinity -> ok end end), rows()} end, fun({P, T}) -> P ! T, exit(P, kill) end},
     {spawn, 304, fun rows/0, fun(T) -> spawn(fun() -> length(T) end) end},
     {send_deep, 80, fun() -> {spawn(fun() -> receive after infinity -> ok end end), deep(5000000)} end, fun({P, T}) -> P ! T, exit(P, kill) end},
     {ets_insert, 304, fun() -> {ets:new(t, []), rows()} end, fun({T, R}) -> ets:insert(T, {1, R}) end},
     {ets_lookup, 304, fun() -> T = ets:new(t, []), ets:insert(T, {1, rows()}), T end, fun(T) -> ets:lookup(T, 1) end},
     {ets_insert_many, 80, fun() -> {ets:new(t, []), objects()} end, fun({T, R}) -> ets:insert(T, R) end},
     {ets_insert_ordered, 80, fun() -> {ets:new(t, [ordered_set]), objects()} end, fun({T, R}) -> ets:insert(T, R) end},
     {ets_insert_new, 80, fun() -> {ets:new(t, []), objects()} end, fun({T, R}) -> ets:insert_new(T, R) end},
     {ets_update_element, 304, fun() -> T = ets:new(t, []), ets:insert(T, {1, 2}), {T, rows()} end, fun({T, R}) -> ets:update_element(T, 1, {2, R}) end},
     {persistent_put, 304, fun rows/0, fun(R) -> persistent_term:put(yielding, R) end},
     {persistent_erase, 304, fun() -> persistent_term:put(yielding, rows()) end, fun(_) -> persistent_term:erase(yielding) end},
     {process_info, 80, fun() -> _ = [self() ! O || O <- objects()] end, fun(_) -> process_info(self(), messages) end},
     %% Making and taking apart.
     {list_to_tuple, 80, fun() -> numbers(5000000) end, fun erlang:list_to_tuple/1},
     {tuple_to_list, 40, fun() -> list_to_tuple(numbers(5000000)) end, fun erlang:tuple_to_list/1},
     {setelement, 40, fun() -> list_to_tuple(numbers(5000000)) end, fun(T) -> setelement(1, T, a) end},
     {make_tuple, 80, Nothing, fun(_) -> erlang:make_tuple(10000000, a) end},
     {maps_from_list, 40, fun() -> [{K, K} || K <- numbers(1000000)] end, fun maps:from_list/1},
     {maps_merge, 48, fun() -> {map(1000000), maps:from_list([{{K}, K} || K <- numbers(1000000)])} end, fun({A, B}) -> maps:merge(A, B) end},
     {maps_keys, 24, fun() -> map(1000000) end, fun maps:keys/1},
     {maps_to_list, 24, fun() -> map(1000000) end, fun maps:to_list/1},
     %% Hashing.
     {phash, 304, fun rows/0, fun(R) -> erlang:phash(R, 1000) end},
     {phash2, 304, fun rows/0, fun(R) -> erlang:phash2(R) end},
     {phash2_binary, 100, fun() -> text(100) end, fun erlang:phash2/1},
     %% Huge integers, by decimal digits: 1,000,000 of them are 0.4 MB.
     {big_multiply, 0.8, fun() -> {huge(1000000), huge(1000000)} end, fun({A, B}) -> A * B end},
     {big_divide, 1.2, fun() -> {huge(2000000), huge(1000000)} end, fun({A, B}) -> A div B end},
     {big_rem, 1.2, fun() -> {huge(2000000), huge(1000000)} end, fun({A, B}) -> A rem B end},
     {big_add, 8, fun() -> {huge(9000000), huge(9000000)} end, fun({A, B}) -> A + B end},
     {big_to_text, 0.4, fun() -> huge(1000000) end, fun erlang:integer_to_binary/1},
     {big_of_text, 1, fun() -> binary:copy(<<"1234567890">>, 100000) end, fun erlang:binary_to_integer/1},
     %% Compression, ciphers.
     {compress, 100, fun rows/0, fun(R) -> term_to_binary(R, [compressed]) end},
     {decompress, 100, fun() -> term_to_binary(rows(), [{compressed, 1}]) end, fun erlang:binary_to_term/1},
     {zlib_compress, 100, fun() -> text(100) end, fun zlib:compress/1},
     {zlib_uncompress, 100, fun() -> zlib:compress(text(100)) end, fun zlib:uncompress/1},
     {aes_cbc, 100, fun() -> text(100) end, fun(B) -> crypto:crypto_one_time(aes_256_cbc, <<0:256>>, <<0:128>>, B, true) end},
     {aes_ctr, 100, fun() -> text(100) end, fun(B) -> crypto:crypto_one_time(aes_256_ctr, <<0:256>>, <<0:128>>, B, true) end},
     {aes_gcm, 100, fun() -> text(100) end, fun(B) -> crypto:crypto_one_time_aead(aes_256_gcm, <<0:256>>, <<0:96>>, B, <<>>, true) end},
     {chacha20, 100, fun() -> text(100) end, fun(B) -> crypto:crypto_one_time_aead(chacha20_poly1305, <<0:256>>, <<0:96>>, B, <<>>, true) end},
     {exor, 200, fun() -> text(100) end, fun(B) -> crypto:exor(B, B) end},
     {pbkdf2, 1, Nothing, fun(_) -> crypto:pbkdf2_hmac(sha256, <<"secret">>, <<"salt">>, 200000, 32) end},
     %% The rest.
     {re_compile, 1, fun() -> binary:part(text(1), 0, 50000) end, fun re:compile/1},
     {load, 1, fun() -> big_module() end, fun({M, B}) -> code:load_binary(M, "big", B) end},
     {collect, 304, fun() -> rows() end, fun(R) -> erlang:garbage_collect(), length(R) end},
     {collect_list, 160, fun() -> numbers(10000000) end, fun(R) -> erlang:garbage_collect(), length(R) end},
     {collect_other, 304, fun() -> Self = self(), P = spawn_link(fun() -> R = rows(), Self ! ready, receive stop -> length(R) end end), receive ready -> P end end,
      fun(P) -> erlang:garbage_collect(P) end},
     {grow, 160, Nothing, fun(_) -> length(build(10000000, [])) end},
     {exit, 304, fun() -> Self = self(), P = spawn(fun() -> R = rows(), Self ! ready, receive stop -> length(R) end end), receive ready -> P end end,
      fun(P) -> M = monitor(process, P), exit(P, kill), receive {'DOWN', M, _, _, _} -> ok end end}
    ].

build(0, L) -> L;
build(N, L) -> build(N - 1, [N | L]).

%% 1,000,000 tuples that make 104 MB as external terms and 304 MB here.
rows() -> rows(1000000, []).
rows(0, Rows) -> Rows;
rows(N, Rows) ->
    rows(N - 1, [{row, N, <<"a short binary of some length ", N:32>>, N * 1.5, "text", [N, {N, N + 1}, <<N:64>>]} | Rows]).

numbers(N) -> numbers(N, 12345, []).
numbers(0, _, Numbers) -> Numbers;
numbers(N, Seed, Numbers) ->
    Next = (Seed * 1103515245 + 12345) band 16#7fffffff,
    numbers(N - 1, Next, [Next | Numbers]).

objects() -> [{K, K rem 5000, <<"value">>} || K <- lists:seq(1, 1000000)].

table() ->
    T = ets:new(t, [public]),
    true = ets:insert(T, objects()),
    T.

map(N) -> maps:from_list([{K, K} || K <- numbers(N)]).

deep(N) -> deep(N, []).
deep(0, Deep) -> Deep;
deep(N, Deep) -> deep(N - 1, [Deep]).

text(Megabytes) ->
    Piece = << <<(iolist_to_binary(io_lib:format("line ~w of some text, and abc~wdez words~n", [N, N])))/binary>> || N <- lists:seq(1, 100) >>,
    text(Piece, Megabytes * 1000000).
text(Piece, Bytes) ->
    binary:part(binary:copy(Piece, Bytes div byte_size(Piece) + 1), 0, Bytes).

huge(Digits) -> binary:decode_unsigned(<< <<N:32>> || N <- numbers(Digits * 100 div 963) >>).

%% A module of 1 MB.
big_module() ->
    Functions = [{function, 1, list_to_atom("f" ++ integer_to_list(N)), 2,
                  [{clause, 1, [{var, 1, 'A'}, {var, 1, 'B'}], [],
                    [{tuple, 1, [{op, 1, '+', {var, 1, 'A'}, {integer, 1, N}}, {call, 1, {remote, 1, {atom, 1, lists}, {atom, 1, reverse}}, [{var, 1, 'B'}]}, {atom, 1, list_to_atom("a" ++ integer_to_list(N rem 100))}]}]}]}
                 || N <- lists:seq(1, 12000)],
    {ok, Module, Code} = compile:forms([{attribute, 1, module, yielding_big}, {attribute, 1, compile, export_all} | Functions], []),
    {Module, Code}.
