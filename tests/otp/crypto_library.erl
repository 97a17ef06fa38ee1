%% crypto: hashes, codes, ciphers and random numbers. What the two libraries call themselves and all they have differs; what they
%% compute does not. Run by ../otp_crypto.rs; crypto_library.txt is what this prints on OTP 25 with OpenSSL 3.
-module(crypto_library).
-compile({nowarn_deprecated_function, {crypto, rand_uniform, 2}}).
-export([main/0]).
-include("../erl/show.hrl").

main() ->
    Text = << <<(I * 7 band 255)>> || I <- lists:seq(1, 1000)>>,
    hashes(Text),
    codes(Text),
    ciphers(Text),
    random(),
    wrong().

hashes(Text) ->
    Types = [md4, md5, ripemd160, sha, sha224, sha256, sha384, sha512, sha3_224, sha3_256, sha3_384, sha3_512,
             blake2b, blake2s],
    Long = binary:copy(Text, 50),
    [begin
         erlang:display({Type, hex(crypto:hash(Type, <<>>))}),
         erlang:display({Type, hex(crypto:hash(Type, [Text, "abc", [1 | <<2>>]]))}),
         erlang:display({Type, hex(crypto:hash(Type, Long))}),
         State = crypto:hash_update(crypto:hash_init(Type), Text),
         One = crypto:hash_update(State, "one"),
         Two = crypto:hash_update(State, "two"),
         erlang:display({Type, [hex(crypto:hash_final(S)) || S <- [State, One, Two, State]]}),
         erlang:display({Type, maps:with([size, block_size], crypto:hash_info(Type))})
     end || Type <- Types, lists:member(Type, crypto:supports(hashs))].

codes(Text) ->
    [begin
         erlang:display({Type, Size, hex(crypto:mac(hmac, Type, binary:part(Text, 0, Size), Text))}),
         Ref = crypto:mac_init(hmac, Type, binary:part(Text, 0, Size)),
         Ref1 = crypto:mac_update(Ref, Text),
         Ref2 = crypto:mac_update(Ref1, "more"),
         erlang:display({Type, Size, hex(crypto:mac_final(Ref2))})
     end || Type <- [md5, sha, sha256, sha384, sha512, sha3_256], Size <- [0, 1, 64, 128, 129, 1000]],
    ?SHOW(hex(crypto:macN(hmac, sha256, "key", "data", 10))),
    ?SHOW(hex(crypto:pbkdf2_hmac(sha256, <<"password">>, <<"salt">>, 1, 20))),
    ?SHOW(hex(crypto:pbkdf2_hmac(sha, <<"password">>, <<"salt">>, 4096, 50))).

ciphers(Text) ->
    Iv = binary:part(Text, 100, 16),
    [begin
         Key = binary:part(Text, 0, Size),
         Options = [{encrypt, true}, {padding, pkcs_padding}],
         Secret = crypto:crypto_one_time(Cipher, Key, Iv, Text, Options),
         erlang:display({Cipher, Size, erlang:md5(Secret)}),
         Back = crypto:crypto_one_time(Cipher, Key, Iv, Secret, [{encrypt, false}, {padding, pkcs_padding}]),
         erlang:display(Back =:= Text),
         State = crypto:crypto_init(Cipher, Key, Iv, Options),
         Firsts = [crypto:crypto_update(State, Part) || Part <- parts(Text, 1)],
         Parts = [Firsts, crypto:crypto_final(State)],
         erlang:display([byte_size(P) || P <- lists:flatten(Parts)]),
         erlang:display(iolist_to_binary(Parts) =:= Secret),
         ToPlain = crypto:crypto_init(Cipher, Key, Iv, [{encrypt, false}, {padding, pkcs_padding}]),
         PlainFirsts = [crypto:crypto_update(ToPlain, P) || P <- parts(Secret, 1)],
         PlainParts = [PlainFirsts, crypto:crypto_final(ToPlain)],
         erlang:display(iolist_to_binary(PlainParts) =:= Text),
         erlang:display(erlang:md5(crypto:crypto_one_time(Cipher, Key, Iv, Text, [{padding, zero}])))
     end || Cipher <- [aes_cbc, aes_ctr], Size <- [16, 24, 32]],
    ?SHOW(crypto:crypto_one_time(aes_128_ecb, binary:part(Text, 0, 16), binary:part(Text, 0, 32), true)),
    [begin
         Key = binary:part(Text, 0, Size),
         Nonce = binary:part(Text, 100, 12),
         {Secret, Tag} = crypto:crypto_one_time_aead(Cipher, Key, Nonce, Text, <<"known">>, true),
         erlang:display({Cipher, Size, erlang:md5(Secret), Tag}),
         erlang:display(crypto:crypto_one_time_aead(Cipher, Key, Nonce, Secret, <<"known">>, Tag, false) =:= Text),
         erlang:display(crypto:crypto_one_time_aead(Cipher, Key, Nonce, Secret, <<"other">>, Tag, false)),
         {_, Short} = crypto:crypto_one_time_aead(Cipher, Key, Nonce, Text, <<"known">>, 12, true),
         erlang:display(Short)
     end || {Cipher, Size} <- [{aes_gcm, 16}, {aes_gcm, 24}, {aes_gcm, 32}, {chacha20_poly1305, 32}]],
    [erlang:display({C, crypto:cipher_info(C)})
     || C <- [aes_128_cbc, aes_192_ctr, aes_256_ecb, aes_128_gcm, chacha20_poly1305]].

parts(<<>>, _) -> [];
parts(Binary, Size) when byte_size(Binary) =< Size -> [Binary];
parts(Binary, Size) ->
    <<Part:Size/binary, Rest/binary>> = Binary,
    [Part | parts(Rest, Size * 2 - 1 + Size rem 3)].

random() ->
    ?SHOW([byte_size(crypto:strong_rand_bytes(N)) || N <- [0, 1, 16, 1000]]),
    ?SHOW(crypto:strong_rand_bytes(16) =:= crypto:strong_rand_bytes(16)),
    ?SHOW(lists:usort([crypto:rand_uniform(3, 6) || _ <- lists:seq(1, 200)])),
    ?SHOW([N || _ <- lists:seq(1, 100), N <- [crypto:rand_uniform(0, 1 bsl 100)], N >= 1 bsl 100]),
    ?SHOW(crypto:exor("abc", <<1, 2, 3>>)),
    ?SHOW(crypto:hash_equals(<<"abc">>, <<"abc">>)),
    ?SHOW(crypto:hash_equals(<<"abc">>, <<"abd">>)),
    _ = crypto:rand_seed(),
    ?SHOW(rand:uniform(10) =< 10).

wrong() ->
    ?SHOW(id_of(fun() -> crypto:hash(foo, "") end)),
    ?SHOW(id_of(fun() -> crypto:hash(sha, foo) end)),
    ?SHOW(id_of(fun() -> crypto:hash_init(foo) end)),
    ?SHOW(id_of(fun() -> crypto:hash_update(make_ref(), "") end)),
    ?SHOW(id_of(fun() -> crypto:hash_final(foo) end)),
    ?SHOW(id_of(fun() -> crypto:mac(foo, sha, "", "") end)),
    ?SHOW(id_of(fun() -> crypto:mac(hmac, foo, "", "") end)),
    ?SHOW(id_of(fun() -> crypto:exor("ab", "a") end)),
    ?SHOW(id_of(fun() -> crypto:hash_equals(<<"ab">>, <<"a">>) end)),
    ?SHOW(id_of(fun() -> crypto:strong_rand_bytes(-1) end)),
    ?SHOW(id_of(fun() -> crypto:crypto_one_time(foo, <<>>, <<>>, <<>>, true) end)),
    ?SHOW(id_of(fun() -> crypto:crypto_one_time(aes_128_cbc, <<1>>, <<0:128>>, <<>>, true) end)),
    ?SHOW(id_of(fun() -> crypto:crypto_one_time(aes_128_cbc, <<0:128>>, <<0>>, <<>>, true) end)).

%% Error tuples say in which line of which C file they were made: only what kind of error it is can be compared.
id_of(Function) ->
    try Function()
    catch
        error:{Id, _, _} -> Id;
        error:Reason -> Reason
    end.

hex(Binary) -> << <<(digit(N))>> || <<N:4>> <= Binary >>.

digit(N) when N < 10 -> $0 + N;
digit(N) -> $a + N - 10.
